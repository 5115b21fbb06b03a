package main

import "testing"

func TestAnIBANOfEachShapeIsRead(t *testing.T) {
	for given, expected := range map[string]string{
		"DE89370400440532013000":          "DE89 3704 0044 0532 0130 00",
		"gb82 west 1234 5698 7654 32":     "GB82 WEST 1234 5698 7654 32",
		"CH93 0076 2011 6238 5295 7":      "CH93 0076 2011 6238 5295 7",
		"NO93 8601 1117 947":              "NO93 8601 1117 947",
		"FR1420041010050500013M02606":     "FR14 2004 1010 0505 0001 3M02 606",
		"MT84MALT011000012345MTLCAST001S": "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
	} {
		if iban, err := ParseIBAN(given); err != nil || iban.String() != expected {
			t.Errorf("%s: expected %s, found %s, %v", given, expected, iban, err)
		}
	}
}

func TestWhatIsNoIBANIsToldWhy(t *testing.T) {
	for given, expected := range map[string]string{
		"":                       "the IBAN is missing",
		"D":                      `no country with IBANs has the code "D"`,
		"XX00":                   `no country with IBANs has the code "XX"`,
		"DE8937040044053201300":  "an IBAN of DE has 22 signs; found 21",
		"DE88370400440532013000": "the check digits 88 do not fit the rest of the IBAN",
		"DE89370400440532013001": "the check digits 89 do not fit the rest of the IBAN",
		"DE89-3704-0044":         `the IBAN has the sign '-' at place 5; expected letters and digits`,
	} {
		if iban, err := ParseIBAN(given); err == nil || err.Error() != expected {
			t.Errorf("%s: expected %q, found %v, %q", given, expected, err, iban)
		}
	}
}
