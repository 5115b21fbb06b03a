package fetchlock

import (
	"encoding/json"
	"time"
)

// Value is the value of a variable with its engine type, as the engine sent it or is to get it. These types implement
// it: [Null], [Boolean], [Short], [Integer], [Long], [Double], [String], [Date], [Bytes], [File], [JSON], [XML],
// [Object], [Other], and on the way to the engine [Transient].
type Value interface {
	// TypeName is the engine's name of the type, such as Integer.
	TypeName() string
	isValue()
}

// Null is no value.
type Null struct {
	// Type is the type that the engine gives the missing value, such as String; empty for the plain type Null.
	Type string
}

// Boolean is a bool.
type Boolean bool

// Short is an integer of 16 bits.
type Short int16

// Integer is an integer of 32 bits.
type Integer int32

// Long is an integer of 64 bits.
type Long int64

// Double is a float64. The engine takes no NaN and no infinity.
type Double float64

// String is a text. Most engines store 4,000 characters at most; [JSON], [Bytes] and [File] hold more.
type String string

// Date is a point in time: milliseconds, and the offset that it is written with, in minutes.
type Date struct{ time.Time }

// Bytes are bytes.
type Bytes []byte

// JSON is the text of a JSON document.
type JSON string

// XML is the text of an XML document.
type XML string

// Object is a serialised object of the engine's side (Java).
type Object struct {
	// Type is the name of its Java type.
	Type string
	// Format is how it is serialised, such as application/json.
	Format string
	// Text is what it is serialised to.
	Text string
}

// Other is a value of a type that this package does not know. It may be passed on unharmed.
type Other struct {
	// Type is the engine's name of the type.
	Type string
	// Value is the value as JSON text.
	Value string
	// Info is the text of a JSON object with the engine's further facts about the value.
	Info string
}

// Transient is a value that the process does not store: it is usable within the engine's transaction, by a gateway
// behind the task, say. It is for outputs; Value is whatever an output may hold.
type Transient struct{ Value any }

// Variables are values by name.
type Variables map[string]Value

// None is an input that reads nothing, and an output that completes the task without variables.
type None struct{}

// TypeName is Null, or the type that the value would have.
func (v Null) TypeName() string {
	if v.Type == "" {
		return "Null"
	}
	return "Null of type " + v.Type
}

// TypeName is Boolean.
func (Boolean) TypeName() string { return "Boolean" }

// TypeName is Short.
func (Short) TypeName() string { return "Short" }

// TypeName is Integer.
func (Integer) TypeName() string { return "Integer" }

// TypeName is Long.
func (Long) TypeName() string { return "Long" }

// TypeName is Double.
func (Double) TypeName() string { return "Double" }

// TypeName is String.
func (String) TypeName() string { return "String" }

// TypeName is Date.
func (Date) TypeName() string { return "Date" }

// TypeName is Bytes.
func (Bytes) TypeName() string { return "Bytes" }

// TypeName is File.
func (File) TypeName() string { return "File" }

// TypeName is Json.
func (JSON) TypeName() string { return "Json" }

// TypeName is Xml.
func (XML) TypeName() string { return "Xml" }

// TypeName is Object with the Java type.
func (v Object) TypeName() string { return "Object of " + v.Type }

// TypeName is the engine's name of the type.
func (v Other) TypeName() string { return v.Type }

// TypeName is that of the value inside.
func (v Transient) TypeName() string {
	inner, err := valueOf(v.Value)
	if err != nil {
		return "Transient"
	}
	return inner.TypeName()
}

func (Null) isValue()      {}
func (Boolean) isValue()   {}
func (Short) isValue()     {}
func (Integer) isValue()   {}
func (Long) isValue()      {}
func (Double) isValue()    {}
func (String) isValue()    {}
func (Date) isValue()      {}
func (Bytes) isValue()     {}
func (File) isValue()      {}
func (JSON) isValue()      {}
func (XML) isValue()       {}
func (Object) isValue()    {}
func (Other) isValue()     {}
func (Transient) isValue() {}

// Decode parses the document into what target points to.
func (v JSON) Decode(target any) error { return json.Unmarshal([]byte(v), target) }

// ToJSON makes a JSON document of what encoding/json can write.
func ToJSON(source any) (JSON, error) {
	text, err := json.Marshal(source)
	return JSON(text), err
}

// Variable is a variable on its way to the engine, ready to be sent.
type Variable struct {
	// Name is its name.
	Name string
	// Value is its value; never a Transient.
	Value Value
	// Transient says that the process does not store it.
	Transient bool
}
