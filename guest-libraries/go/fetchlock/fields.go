package fetchlock

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// A field of a struct, as a variable.
type field struct {
	name  string
	index []int
	goes  reflect.Type
	// From the tag.
	optional, omitEmpty, transient, local bool
}

const tagKey = "fetchlock"

// The fields of a struct that are variables. Those of embedded structs count as its own.
func fieldsOf(structure reflect.Type) ([]field, error) {
	var fields []field
	seen := map[string]bool{}
	for _, part := range reflect.VisibleFields(structure) {
		tag, tagged := part.Tag.Lookup(tagKey)
		if tag == "-" || part.Anonymous && !tagged && isPlainStruct(part.Type) {
			continue
		}
		if !part.IsExported() {
			if tagged {
				return nil, fmt.Errorf("the field %s of %s has a tag but is not exported; begin it with a capital letter", part.Name, structure)
			}
			continue
		}
		if throughPointer(structure, part.Index) {
			return nil, fmt.Errorf("the field %s of %s lies in an embedded pointer; embed the struct itself", part.Name, structure)
		}
		one, err := fieldOf(part, tag)
		if err != nil {
			return nil, fmt.Errorf("the field %s of %s: %w", part.Name, structure, err)
		}
		if seen[one.name] {
			return nil, fmt.Errorf("two fields of %s are the variable `%s`", structure, one.name)
		}
		seen[one.name] = true
		fields = append(fields, one)
	}
	return fields, nil
}

func fieldOf(part reflect.StructField, tag string) (field, error) {
	name, options, _ := strings.Cut(tag, ",")
	if name == "" {
		name = variableName(part.Name)
	}
	one := field{name: name, index: part.Index, goes: part.Type}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "optional":
			one.optional = true
		case "omitempty":
			one.omitEmpty = true
		case "transient":
			one.transient = true
		case "local":
			one.local = true
		default:
			return one, fmt.Errorf("its tag has the option `%s`; there are optional, omitempty, transient and local", option)
		}
	}
	return one, nil
}

// Whether the fields of an embedded type are taken for those of the struct around it.
func isPlainStruct(embedded reflect.Type) bool {
	if embedded.Kind() == reflect.Pointer {
		embedded = embedded.Elem()
	}
	return embedded.Kind() == reflect.Struct && !embedded.Implements(valueType) && embedded != timeType
}

func throughPointer(structure reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		structure = structure.Field(i).Type
		if structure.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

// The variable of a field without a name in its tag: OrderID is orderID, IBANCode is ibanCode, IBAN is iban.
func variableName(goName string) string {
	letters := []rune(goName)
	for i := range letters {
		isLastOfRun := i > 0 && i+1 < len(letters) && !unicode.IsUpper(letters[i+1])
		if !unicode.IsUpper(letters[i]) || isLastOfRun {
			break
		}
		letters[i] = unicode.ToLower(letters[i])
	}
	return string(letters)
}
