//go:build !wasm

package fetchlock_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"fetchlock"
	"fetchlock/fetchlocktest"
)

// Runs a handler that only reads, and returns what it read.
func read[In any](t *testing.T, variables any) (In, *fetchlocktest.Result) {
	t.Helper()
	var seen In
	result := fetchlocktest.Run(t, func(_ *fetchlock.Task, input In) (fetchlock.None, error) {
		seen = input
		return fetchlock.None{}, nil
	}, fetchlocktest.Given{Variables: variables})
	return seen, result
}

type order struct {
	ID    string `json:"id"`
	Lines []int  `json:"lines"`
}

func TestEveryEngineTypeIsReadIntoItsGoType(t *testing.T) {
	moment := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 2*60*60))
	type all struct {
		Flag    bool
		Small   int8
		Whole   int32
		Big     int64
		Count   uint16
		Exact   float64
		Rounded float64
		Text    string
		Address netip.Addr
		Moment  time.Time
		Raw     []byte
		Order   order
		Source  json.RawMessage
		List    []string
		Markup  fetchlock.XML
		Thing   fetchlock.Other
		Nothing *int
		Missing *string
		Absent  string `fetchlock:"absentAltogether,optional"`
		Skipped string `fetchlock:"-"`
	}
	seen, result := read[all](t, fetchlock.Variables{
		"flag":    fetchlock.Boolean(true),
		"small":   fetchlock.Short(-8),
		"whole":   fetchlock.Integer(32),
		"big":     fetchlock.Long(9007199254740993),
		"count":   fetchlock.Long(65535),
		"exact":   fetchlock.Double(0.5),
		"rounded": fetchlock.Integer(7),
		"text":    fetchlock.String("grüße"),
		"address": fetchlock.String("10.0.0.5"),
		"moment":  fetchlock.Date{Time: moment},
		"raw":     fetchlock.Bytes{1, 2},
		"order":   fetchlock.JSON(`{"id":"a","lines":[1,2]}`),
		"source":  fetchlock.JSON(`{ "kept" : 1.0 }`),
		"list":    fetchlock.Object{Type: "java.util.ArrayList", Format: "application/json", Text: `["x"]`},
		"markup":  fetchlock.XML("<a/>"),
		"thing":   fetchlock.Other{Type: "Money", Value: `"1 EUR"`, Info: "{}"},
		"nothing": fetchlock.Null{Type: "Integer"},
	})
	result.Completed(t, nil)
	expected := all{
		Flag: true, Small: -8, Whole: 32, Big: 9007199254740993, Count: 65535, Exact: 0.5, Rounded: 7, Text: "grüße",
		Address: netip.MustParseAddr("10.0.0.5"), Moment: moment, Raw: []byte{1, 2}, Order: order{"a", []int{1, 2}},
		Source: json.RawMessage(`{ "kept" : 1.0 }`), List: []string{"x"}, Markup: "<a/>",
		Thing: fetchlock.Other{Type: "Money", Value: `"1 EUR"`, Info: "{}"},
	}
	if !reflect.DeepEqual(seen, expected) {
		t.Errorf("expected %+v\nfound    %+v", expected, seen)
	}
}

func TestWhatDoesNotFitIsAFailureThatNamesAllOfIt(t *testing.T) {
	type input struct {
		Amount float64 `fetchlock:"amount"`
		Name   string  `fetchlock:"name"`
		Count  int8    `fetchlock:"count"`
		Order  order   `fetchlock:"order"`
		When   time.Time
		Doc    fetchlock.File
		Source fetchlock.Object
	}
	_, result := read[input](t, fetchlock.Variables{
		"amount": fetchlock.String("12"),
		"count":  fetchlock.Integer(300),
		"order":  fetchlock.JSON(`{"lines":"none"}`),
		"when":   fetchlock.Null{Type: "Date"},
		"doc":    fetchlock.Bytes{1},
		"source": fetchlock.XML("<a/>"),
	})
	result.Failed(t, "input: variable `amount`: expected Double, found String; "+
		"variable `name`: expected String, but the task has no such variable; "+
		"variable `count`: int8 does not hold the Integer 300; "+
		"variable `order`: expected Json that fits fetchlock_test.order: "+
		"json: cannot unmarshal string into Go struct field order.lines of type []int; "+
		"variable `when`: expected Date, found Null of type Date; "+
		"variable `doc`: expected File, found Bytes; "+
		"variable `source`: expected Object, found Xml")
	if result.Retry != fetchlock.ByPolicy {
		t.Errorf("the retry: %s", result.Retry)
	}
}

func TestANumberIsNotRoundedSilently(t *testing.T) {
	type input struct{ Big float64 }
	_, result := read[input](t, fetchlock.Variables{"big": fetchlock.Long(9007199254740993)})
	result.Failed(t, "input: variable `big`: float64 does not hold the Long 9007199254740993")
	type whole struct{ Half int }
	_, result = read[whole](t, fetchlock.Variables{"half": fetchlock.Double(0.5)})
	result.Failed(t, "input: variable `half`: expected Integer, Long or Short, found Double")
}

func TestALongIsReadIntoAFloatThatHoldsItExactly(t *testing.T) {
	type input struct{ Big float64 }
	for _, exact := range []int64{1 << 53, 1<<53 + 2, 1e17, math.MinInt64} {
		seen, result := read[input](t, fetchlock.Variables{"big": fetchlock.Long(exact)})
		result.Completed(t, nil)
		if seen.Big != float64(exact) {
			t.Errorf("found %f instead of %d", seen.Big, exact)
		}
	}
	for _, between := range []int64{1<<53 + 1, -1<<53 - 1, 1e17 + 1, math.MaxInt64} {
		_, result := read[input](t, fetchlock.Variables{"big": fetchlock.Long(between)})
		result.Failed(t, fmt.Sprintf("input: variable `big`: float64 does not hold the Long %d", between))
	}
}

func TestAMapReadsAllVariables(t *testing.T) {
	given := fetchlock.Variables{
		"a": fetchlock.Short(1), "b": fetchlock.JSON(`[1,"x"]`), "c": fetchlock.Null{}, "d": fetchlock.XML("<a/>"),
	}
	native, _ := read[map[string]any](t, given)
	expected := map[string]any{"a": int16(1), "b": []any{1.0, "x"}, "c": nil, "d": fetchlock.XML("<a/>")}
	if !reflect.DeepEqual(native, expected) {
		t.Errorf("expected %v, found %v", expected, native)
	}
	raw, _ := read[fetchlock.Variables](t, given)
	if !reflect.DeepEqual(raw, given) {
		t.Errorf("expected %v, found %v", given, raw)
	}
	typed, _ := read[map[string]int](t, map[string]any{"a": 1, "b": fetchlock.Short(2)})
	if !reflect.DeepEqual(typed, map[string]int{"a": 1, "b": 2}) {
		t.Errorf("found %v", typed)
	}
}

func TestFieldsOfAnEmbeddedStructAreVariables(t *testing.T) {
	type Common struct{ OrderID string }
	type input struct {
		Common
		IBAN     string
		IBANCode fetchlock.Value
	}
	seen, result := read[input](t, fetchlock.Variables{
		"orderID": fetchlock.String("o"), "iban": fetchlock.String("i"), "ibanCode": fetchlock.Long(1),
	})
	result.Completed(t, nil)
	if seen.OrderID != "o" || seen.IBAN != "i" || seen.IBANCode != fetchlock.Long(1) {
		t.Errorf("found %+v", seen)
	}
}

func TestAFileIsLoadedWhenItIsAsked(t *testing.T) {
	file := fetchlock.NewFile("a.txt", []byte("text"))
	file.MIMEType = "text/plain"
	type in struct{ Doc fetchlock.File }
	loads := 0
	given := fetchlocktest.Given{Variables: map[string]any{"doc": file}, LoadError: func(string) error { loads++; return nil }}
	result := fetchlocktest.Run(t, func(task *fetchlock.Task, input in) (map[string]any, error) {
		if loads != 0 || input.Doc.Stored() != "doc" {
			t.Error("it was loaded too early")
		}
		content, err := input.Doc.Load()
		return map[string]any{"content": string(content), "copy": input.Doc}, err
	}, given)
	if text := result.Variables["content"]; text != fetchlock.String("text") || loads != 1 {
		t.Errorf("found %v after %d loads", text, loads)
	}
	if passed := result.Variables["copy"].(fetchlock.File); passed.Stored() != "doc" || passed.MIMEType != "text/plain" {
		t.Errorf("found %+v", passed)
	}
}

func TestWhatCannotBeAnInputPanicsWhereItIsRegistered(t *testing.T) {
	cases := map[string]func(){
		"found int": func() {
			fetchlock.Handle(func(*fetchlock.Task, int) (fetchlock.None, error) { return fetchlock.None{}, nil })
		},
		"has the option `require`": func() {
			type input struct {
				A string `fetchlock:"a,require"`
			}
			fetchlock.Handle(func(*fetchlock.Task, input) (fetchlock.None, error) { return fetchlock.None{}, nil })
		},
		"the output must be": func() {
			fetchlock.Handle(func(*fetchlock.Task, fetchlock.None) (bool, error) { return true, nil })
		},
		"are the variable `a`": func() {
			type input struct {
				A string
				B string `fetchlock:"a"`
			}
			fetchlock.Handle(func(*fetchlock.Task, input) (fetchlock.None, error) { return fetchlock.None{}, nil })
		},
	}
	for text, register := range cases {
		func() {
			defer func() {
				if panicked, _ := recover().(string); !strings.Contains(panicked, text) {
					t.Errorf("expected a panic that says %q, found %q", text, panicked)
				}
			}()
			register()
		}()
	}
}
