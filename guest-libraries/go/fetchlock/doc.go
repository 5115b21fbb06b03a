// Package fetchlock is for writing handlers of Fetchlock: Wasm components that run the external tasks of a BPMN engine.
//
// A handler is one function. It is given the task and its variables, and returns the variables that complete it, or an
// error:
//
//	type Input struct {
//		Amount   float64 `fetchlock:"amount"`
//		Customer string  `fetchlock:"customer"`
//	}
//
//	type Output struct {
//		Approved bool `fetchlock:"approved"`
//	}
//
//	func init() { fetchlock.Handle(approve) }
//
//	func main() {}
//
//	func approve(task *fetchlock.Task, input Input) (Output, error) {
//		if input.Amount > 1000 {
//			return Output{}, &fetchlock.BpmnError{Code: "TOO_MUCH", Message: "more than 1000"}
//		}
//		return Output{Approved: true}, nil
//	}
//
// # What becomes of the task
//
// Any error is a failure, which the retry policy of the plugin treats. [BpmnError] is a business error, for a boundary
// event of the process to catch. [Failure] says more about a failure: details, variables, and what happens next. Both
// are found in a chain of wrapped errors. A handler that returns [Outcome] decides otherwise: [Unlock], [HandOff], or
// [Complete] with variables for the task's own scope. A panic is a failure with its stack.
//
// # Variables
//
// Fields of the input are read from the variable that the tag names, or, without a tag, the one with the field's name
// beginning in lower case. A variable that is missing or does not fit is a failure that names it. A field that is a
// pointer, or whose tag says `optional`, may be missing. The tag "-" leaves a field out.
//
//	engine                 Go
//	Null                   nil, for pointers and any
//	Boolean                bool
//	Short, Integer, Long   every integer type that holds the number, and float64
//	Double                 float64, float32
//	String                 string, and what implements encoding.TextUnmarshaler
//	Date                   time.Time, with the offset kept
//	Bytes                  []byte
//	File                   File
//	Json                   structs, maps, slices and all else that encoding/json reads; json.RawMessage for the text
//	Xml, Object, others    XML, Object, Other
//
// On the way back an int16 is a Short, an int32 an Integer, an int or int64 a Long, a float64 a Double, and so on; a
// struct, map or slice is Json. The types that implement [Value] say exactly what is meant, as in Integer(42) or
// XML("<a/>"), and hold what the engine sent without loss, also in a field of the type [Value]. The input may also be
// [Variables] (all of them as they are), map[string]any or [None]. So may the output, and a nil pointer or [None]
// completes without variables. Tags of the output may say `omitempty`, `transient` or `local`.
package fetchlock
