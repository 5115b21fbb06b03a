package fetchlock

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Reads the variables of a task into an input: first asks for them, then, in decode, makes of them what the input wants.
type reader struct {
	fields []field
	names  []string
	values []Value
}

// Whether values of the type can be an input.
func checkInput(input reflect.Type) error {
	switch {
	case input == reflect.TypeFor[None](), input == reflect.TypeFor[Variables]():
		return nil
	case input.Kind() == reflect.Map && input.Key().Kind() == reflect.String:
		return nil
	case input.Kind() == reflect.Struct && !input.Implements(valueType) && input != timeType:
		_, err := fieldsOf(input)
		return err
	}
	return fmt.Errorf("the input must be a struct, a map with string keys, fetchlock.Variables or fetchlock.None; found %s", input)
}

// Asks the host for what an input wants.
func ask(session session, input reflect.Type) (reader, error) {
	if err := checkInput(input); err != nil {
		return reader{}, err
	}
	var r reader
	if input.Kind() == reflect.Map {
		r.names = session.variableNames()
	} else {
		r.fields, _ = fieldsOf(input)
		for _, one := range r.fields {
			r.names = append(r.names, one.name)
		}
	}
	if len(r.names) > 0 {
		r.values = session.variables(r.names)
	}
	return r, nil
}

// Makes the input of what was asked.
func (r reader) decode(input reflect.Value) error {
	var problems problems
	if input.Kind() == reflect.Map {
		input.Set(reflect.MakeMapWithSize(input.Type(), len(r.names)))
	}
	for i, value := range r.values {
		var err error
		if input.Kind() != reflect.Map {
			err = decodeField(value, input, r.fields[i])
		} else if value != nil {
			one := reflect.New(input.Type().Elem()).Elem()
			err = decode(value, one)
			input.SetMapIndex(reflect.ValueOf(r.names[i]).Convert(input.Type().Key()), one)
		}
		if err != nil {
			problems.add(fmt.Errorf("variable `%s`: %w", r.names[i], err))
		}
	}
	return problems.joined("input")
}

func decodeField(value Value, input reflect.Value, one field) error {
	if value == nil {
		if one.optional || one.goes.Kind() == reflect.Pointer {
			return nil
		}
		return fmt.Errorf("expected %s, but the task has no such variable", expected(one.goes))
	}
	if _, isNull := value.(Null); isNull && one.optional && one.goes != valueType {
		return nil
	}
	return decode(value, input.FieldByIndex(one.index))
}

// Puts a value into a target, which says what is expected.
func decode(value Value, target reflect.Value) error {
	goes := target.Type()
	_, isNull := value.(Null)
	switch {
	case reflect.TypeOf(value) == goes, goes == valueType:
		target.Set(reflect.ValueOf(value))
		return nil
	case goes.Kind() == reflect.Interface && goes.NumMethod() == 0:
		return decodeAny(value, target)
	case goes.Kind() == reflect.Pointer:
		if isNull {
			target.SetZero()
			return nil
		}
		target.Set(reflect.New(goes.Elem()))
		return decode(value, target.Elem())
	case goes.Implements(valueType), isNull:
		return mismatch(value, goes)
	}
	if text, ok := jsonText(value); ok {
		if goes == rawMessageType {
			target.SetBytes([]byte(text))
			return nil
		}
		if err := json.Unmarshal([]byte(text), target.Addr().Interface()); err != nil {
			return fmt.Errorf("expected Json that fits %s: %w", goes, err)
		}
		return nil
	}
	switch value := value.(type) {
	case Date:
		if goes == timeType {
			target.Set(reflect.ValueOf(value.Time))
			return nil
		}
	case Bytes:
		if goes.Kind() == reflect.Slice && goes.Elem().Kind() == reflect.Uint8 && goes != rawMessageType {
			target.SetBytes(value)
			return nil
		}
	case String:
		return decodeText(value, target)
	case Boolean:
		if goes.Kind() == reflect.Bool {
			target.SetBool(bool(value))
			return nil
		}
	case Double:
		if target.CanFloat() {
			target.SetFloat(float64(value))
			return nil
		}
	case Short:
		return decodeWhole(value, int64(value), target)
	case Integer:
		return decodeWhole(value, int64(value), target)
	case Long:
		return decodeWhole(value, int64(value), target)
	}
	return mismatch(value, goes)
}

func decodeText(value String, target reflect.Value) error {
	if reader, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok && target.Type() != timeType {
		if err := reader.UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("expected String that fits %s: %w", target.Type(), err)
		}
		return nil
	}
	if target.Kind() != reflect.String {
		return mismatch(value, target.Type())
	}
	target.SetString(string(value))
	return nil
}

func decodeWhole(value Value, number int64, target reflect.Value) error {
	switch {
	case target.CanInt() && !target.OverflowInt(number):
		target.SetInt(number)
	case target.CanUint() && number >= 0 && !target.OverflowUint(uint64(number)):
		target.SetUint(uint64(number))
	case target.CanFloat() && isExact(number):
		target.SetFloat(float64(number))
	case target.CanInt(), target.CanUint(), target.CanFloat():
		return fmt.Errorf("%s does not hold the %s %d", target.Type(), value.TypeName(), number)
	default:
		return mismatch(value, target.Type())
	}
	return nil
}

// Tells whether a Double holds the number.
func isExact(number int64) bool {
	double := float64(number)
	// The greatest numbers become 2^63, which is no int64: what it would be converted to is not said.
	return double < 1<<63 && int64(double) == number
}

func decodeAny(value Value, target reflect.Value) error {
	var native any
	switch value := value.(type) {
	case Null:
		target.SetZero()
		return nil
	case Boolean:
		native = bool(value)
	case Short:
		native = int16(value)
	case Integer:
		native = int32(value)
	case Long:
		native = int64(value)
	case Double:
		native = float64(value)
	case String:
		native = string(value)
	case Date:
		native = value.Time
	case Bytes:
		native = []byte(value)
	case JSON:
		if err := value.Decode(target.Addr().Interface()); err != nil {
			return fmt.Errorf("expected Json: %w", err)
		}
		return nil
	default:
		native = value
	}
	target.Set(reflect.ValueOf(native))
	return nil
}

// The text of Json, and of objects that are serialised as JSON.
func jsonText(value Value) (string, bool) {
	switch value := value.(type) {
	case JSON:
		return string(value), true
	case Object:
		return value.Text, strings.HasPrefix(value.Format, "application/json")
	}
	return "", false
}

func mismatch(value Value, goes reflect.Type) error {
	return fmt.Errorf("expected %s, found %s", expected(goes), value.TypeName())
}

// The engine types that a Go type reads.
func expected(goes reflect.Type) string {
	for goes.Kind() == reflect.Pointer {
		goes = goes.Elem()
	}
	switch {
	case goes == timeType:
		return "Date"
	case goes == valueType || goes.Kind() == reflect.Interface:
		return "a value"
	case goes == reflect.TypeFor[Object]():
		return "Object"
	case goes == reflect.TypeFor[Other]():
		return "a value of another type"
	case goes == reflect.TypeFor[Null]():
		return "Null"
	case goes.Implements(valueType):
		return reflect.Zero(goes).Interface().(Value).TypeName()
	case goes == rawMessageType, reflect.PointerTo(goes).Implements(jsonUnmarshalType):
		return "Json"
	case reflect.PointerTo(goes).Implements(textUnmarshalType):
		return "String"
	}
	switch goes.Kind() {
	case reflect.Bool:
		return "Boolean"
	case reflect.Float32, reflect.Float64:
		return "Double"
	case reflect.String:
		return "String"
	case reflect.Slice:
		if goes.Elem().Kind() == reflect.Uint8 {
			return "Bytes"
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "Integer, Long or Short"
	}
	return "Json"
}
