package fetchlock

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strings"
	"time"
)

var (
	valueType         = reflect.TypeFor[Value]()
	timeType          = reflect.TypeFor[time.Time]()
	rawMessageType    = reflect.TypeFor[json.RawMessage]()
	textUnmarshalType = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonUnmarshalType = reflect.TypeFor[json.Unmarshaler]()
)

const outputKinds = "a struct, a map with string keys, fetchlock.Variables, fetchlock.None or fetchlock.Outcome"

// The variables of an output: those for the process instance, and those for the task's own scope.
func variablesOf(output any) (process, local []Variable, err error) {
	of := reflect.ValueOf(output)
	for of.IsValid() && (of.Kind() == reflect.Pointer || of.Kind() == reflect.Interface) {
		of = of.Elem()
	}
	if !of.IsValid() {
		return nil, nil, nil
	}
	if err := checkOutput(of.Type()); err != nil {
		return nil, nil, err
	}
	var problems problems
	add := func(name string, value any, of field) {
		variable, err := variableOf(name, value, of.transient)
		switch {
		case err != nil:
			problems.add(fmt.Errorf("variable `%s`: %w", name, err))
		case of.local:
			local = append(local, variable)
		default:
			process = append(process, variable)
		}
	}
	if of.Kind() == reflect.Map {
		names := of.MapKeys()
		sort.Slice(names, func(i, j int) bool { return names[i].String() < names[j].String() })
		for _, name := range names {
			add(name.String(), of.MapIndex(name).Interface(), field{})
		}
		return process, local, problems.joined("output")
	}
	fields, err := fieldsOf(of.Type())
	if err != nil {
		return nil, nil, err
	}
	for _, one := range fields {
		value := of.FieldByIndex(one.index)
		if !one.omitEmpty || !value.IsZero() {
			add(one.name, value.Interface(), one)
		}
	}
	return process, local, problems.joined("output")
}

// The variables of an output where there is but one place for them.
func allVariablesOf(output any) ([]Variable, error) {
	process, local, err := variablesOf(output)
	return append(process, local...), err
}

// Whether values of the type can be an output.
func checkOutput(output reflect.Type) error {
	for output.Kind() == reflect.Pointer {
		output = output.Elem()
	}
	switch {
	case output.Implements(valueType), output == timeType:
	case output.Kind() == reflect.Interface:
		return nil
	case output.Kind() == reflect.Map && output.Key().Kind() == reflect.String:
		return nil
	case output == reflect.TypeFor[Outcome]():
		return nil
	case output.Kind() == reflect.Struct:
		_, err := fieldsOf(output)
		return err
	}
	return fmt.Errorf("the output must be %s; found %s", outputKinds, output)
}

func variableOf(name string, value any, transient bool) (Variable, error) {
	if wrapped, ok := value.(Transient); ok {
		return variableOf(name, wrapped.Value, true)
	}
	ready, err := valueOf(value)
	return Variable{Name: name, Value: ready, Transient: transient}, err
}

// The engine's value of a Go value.
func valueOf(value any) (Value, error) {
	of := reflect.ValueOf(value)
	if !of.IsValid() || of.Kind() == reflect.Pointer && of.IsNil() {
		return Null{}, nil
	}
	switch value := value.(type) {
	case Transient:
		return nil, fmt.Errorf("Transient stands only around a whole variable")
	case Value:
		if of.Kind() == reflect.Pointer {
			return valueOf(of.Elem().Interface())
		}
		return value, nil
	case time.Time:
		return Date{value}, nil
	case json.RawMessage:
		return JSON(value), nil
	case json.Number:
		return numberOf(value)
	case json.Marshaler:
		if _, isTime := value.(*time.Time); !isTime {
			return ToJSON(value)
		}
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		return String(text), err
	}
	return plainValueOf(of)
}

func plainValueOf(of reflect.Value) (Value, error) {
	switch of.Kind() {
	case reflect.Bool:
		return Boolean(of.Bool()), nil
	case reflect.Int8, reflect.Int16, reflect.Uint8:
		return Short(asInt64(of)), nil
	case reflect.Int32, reflect.Uint16:
		return Integer(asInt64(of)), nil
	case reflect.Int, reflect.Int64, reflect.Uint32:
		return Long(asInt64(of)), nil
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		if of.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("%d does not fit a Long", of.Uint())
		}
		return Long(of.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return Double(of.Float()), nil
	case reflect.String:
		return String(of.String()), nil
	case reflect.Pointer:
		return valueOf(of.Elem().Interface())
	case reflect.Map, reflect.Slice:
		if of.IsNil() {
			return Null{}, nil
		}
		if of.Kind() == reflect.Slice && of.Type().Elem().Kind() == reflect.Uint8 {
			return Bytes(of.Bytes()), nil
		}
		return ToJSON(of.Interface())
	case reflect.Struct, reflect.Array:
		return ToJSON(of.Interface())
	default:
		return nil, fmt.Errorf("a %s cannot be a variable", of.Type())
	}
}

func asInt64(of reflect.Value) int64 {
	if of.CanUint() {
		return int64(of.Uint())
	}
	return of.Int()
}

func numberOf(number json.Number) (Value, error) {
	if whole, err := number.Int64(); err == nil {
		return Long(whole), nil
	}
	broken, err := number.Float64()
	return Double(broken), err
}

// What is wrong, all of it.
type problems []string

func (p *problems) add(err error) { *p = append(*p, err.Error()) }

func (p problems) joined(of string) error {
	if len(p) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s", of, strings.Join(p, "; "))
}
