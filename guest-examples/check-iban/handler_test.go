package main

import (
	"slices"
	"testing"

	"fetchlock"
	"fetchlock/fetchlocktest"
)

const good = `{"holder":"Ada","iban":"de89 3704 0044 0532 0130 00",
	"address":{"street":" Hauptstr.  1","postalCode":"50667","city":"Köln","country":"de"}}`

func TestAGoodAccountIsMadeUniform(t *testing.T) {
	result := fetchlocktest.Run(t, check, fetchlocktest.Given{Variables: fetchlock.Variables{"account": fetchlock.JSON(good)}})
	result.Completed(t, map[string]any{
		"account": Account{
			Holder: "Ada", IBAN: "DE89 3704 0044 0532 0130 00",
			Address: Address{Street: "Hauptstr. 1", PostalCode: "50667", City: "Köln", Country: "DE"},
		},
		"country":         "DE",
		"addressProblems": []string{},
	})
}

func TestAWrongCheckDigitIsABusinessError(t *testing.T) {
	account := Account{IBAN: "DE88370400440532013000"}
	result := fetchlocktest.Run(t, check, fetchlocktest.Given{Variables: map[string]any{"account": account}})
	result.BpmnError(t, "INVALID_IBAN")
	if result.Message != "the check digits 88 do not fit the rest of the IBAN" {
		t.Errorf("found %q", result.Message)
	}
}

func TestAllProblemsOfAnAddressAreTold(t *testing.T) {
	address := Address{PostalCode: "sw1a", Country: "gb"}.Uniform()
	expected := []string{"the street is missing", "the city is missing", "SW1A is no postal code of GB"}
	if problems := address.Problems(); !slices.Equal(problems, expected) {
		t.Errorf("found %q", problems)
	}
}

func TestAnAccountThatIsNoJsonIsAFailure(t *testing.T) {
	result := fetchlocktest.Run(t, check, fetchlocktest.Given{Variables: map[string]any{"account": "DE89"}})
	result.Failed(t, "input: variable `account`: expected Json, found String")
}
