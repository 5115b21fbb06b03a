package fetchlock

import (
	"fmt"
	"time"

	"fetchlock/internal/bindings/fetchlock_handler_types"
	witTypes "fetchlock/internal/wit/types"
)

type (
	option[T any] = witTypes.Option[T]
	unit          = witTypes.Unit
	witValue      = fetchlock_handler_types.Value
)

// A text that may be missing: empty is missing.
func given(text string) option[string] {
	if text == "" {
		return witTypes.None[string]()
	}
	return witTypes.Some(text)
}

func milliseconds(call string, duration time.Duration) (uint64, error) {
	if duration < 0 {
		return 0, &CallError{Call: call, Reason: ErrInvalid, Text: fmt.Sprintf("the duration %s is negative", duration)}
	}
	return uint64(duration.Milliseconds()), nil
}

func timeOf(date fetchlock_handler_types.Date) time.Time {
	zone := time.UTC
	if date.OffsetMinutes != 0 {
		zone = time.FixedZone("", int(date.OffsetMinutes)*60)
	}
	return time.UnixMilli(date.UnixMillis).In(zone)
}

func dateOf(moment time.Time) fetchlock_handler_types.Date {
	_, offset := moment.Zone()
	return fetchlock_handler_types.Date{UnixMillis: moment.UnixMilli(), OffsetMinutes: int16(offset / 60)}
}

// The value that the host sent.
func received(value witValue) Value {
	switch value.Tag() {
	case fetchlock_handler_types.ValueNull:
		return Null{Type: value.Null().SomeOr("")}
	case fetchlock_handler_types.ValueBoolean:
		return Boolean(value.Boolean())
	case fetchlock_handler_types.ValueShort:
		return Short(value.Short())
	case fetchlock_handler_types.ValueInteger:
		return Integer(value.Integer())
	case fetchlock_handler_types.ValueLong:
		return Long(value.Long())
	case fetchlock_handler_types.ValueDouble:
		return Double(value.Double())
	case fetchlock_handler_types.ValueText:
		return String(value.Text())
	case fetchlock_handler_types.ValueDate:
		return Date{timeOf(value.Date())}
	case fetchlock_handler_types.ValueBytes:
		return Bytes(value.Bytes())
	case fetchlock_handler_types.ValueFile:
		return receivedFile(value.File())
	case fetchlock_handler_types.ValueJson:
		return JSON(value.Json())
	case fetchlock_handler_types.ValueXml:
		return XML(value.Xml())
	case fetchlock_handler_types.ValueObject:
		object := value.Object()
		return Object{Type: object.TypeName, Format: object.Format, Text: object.Text}
	default:
		other := value.Other()
		return Other{Type: other.TypeName, Value: other.Value, Info: other.ValueInfo}
	}
}

func receivedFile(file fetchlock_handler_types.File) File {
	as := File{Name: file.Filename, MIMEType: file.MimeType.SomeOr(""), Encoding: file.Encoding.SomeOr("")}
	if file.Content.Tag() == fetchlock_handler_types.FileContentStored {
		as.stored = file.Content.Stored()
	} else {
		as.content = file.Content.Bytes()
	}
	return as
}

// Variables as the host takes them.
func sending(variables []Variable) []fetchlock_handler_types.Variable {
	ready := make([]fetchlock_handler_types.Variable, len(variables))
	for i, variable := range variables {
		ready[i] = fetchlock_handler_types.Variable{
			Name: variable.Name, Value: sent(variable.Value), Transient: variable.Transient,
		}
	}
	return ready
}

func sent(value Value) witValue {
	switch value := value.(type) {
	case Boolean:
		return fetchlock_handler_types.MakeValueBoolean(bool(value))
	case Short:
		return fetchlock_handler_types.MakeValueShort(int16(value))
	case Integer:
		return fetchlock_handler_types.MakeValueInteger(int32(value))
	case Long:
		return fetchlock_handler_types.MakeValueLong(int64(value))
	case Double:
		return fetchlock_handler_types.MakeValueDouble(float64(value))
	case String:
		return fetchlock_handler_types.MakeValueText(string(value))
	case Date:
		return fetchlock_handler_types.MakeValueDate(dateOf(value.Time))
	case Bytes:
		return fetchlock_handler_types.MakeValueBytes(value)
	case File:
		content := fetchlock_handler_types.MakeFileContentBytes(value.content)
		if value.stored != "" {
			content = fetchlock_handler_types.MakeFileContentStored(value.stored)
		}
		return fetchlock_handler_types.MakeValueFile(fetchlock_handler_types.File{
			Filename: value.Name, MimeType: given(value.MIMEType), Encoding: given(value.Encoding), Content: content,
		})
	case JSON:
		return fetchlock_handler_types.MakeValueJson(string(value))
	case XML:
		return fetchlock_handler_types.MakeValueXml(string(value))
	case Object:
		return fetchlock_handler_types.MakeValueObject(fetchlock_handler_types.Object{
			TypeName: value.Type, Format: value.Format, Text: value.Text,
		})
	case Other:
		return fetchlock_handler_types.MakeValueOther(fetchlock_handler_types.Other{
			TypeName: value.Type, Value: value.Value, ValueInfo: value.Info,
		})
	case Null:
		return fetchlock_handler_types.MakeValueNull(given(value.Type))
	default:
		return fetchlock_handler_types.MakeValueNull(witTypes.None[string]())
	}
}
