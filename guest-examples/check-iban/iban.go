package main

import (
	"fmt"
	"strings"
)

// IBAN is an international bank account number (ISO 13616), in capitals and without spaces.
type IBAN string

// How long an IBAN of each country is, from the registry of ISO 13616.
var lengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
	"BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
	"ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
	"HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
	"LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
	"MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
	"QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
	"SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// ParseIBAN reads an IBAN, in any case and with spaces, and checks country, length and check digits.
func ParseIBAN(text string) (IBAN, error) {
	text = strings.ToUpper(strings.Join(strings.Fields(text), ""))
	if text == "" {
		return "", fmt.Errorf("the IBAN is missing")
	}
	for i, sign := range text {
		if (sign < '0' || '9' < sign) && (sign < 'A' || 'Z' < sign) {
			return "", fmt.Errorf("the IBAN has the sign %q at place %d; expected letters and digits", sign, i+1)
		}
	}
	country := text[:min(2, len(text))]
	length, known := lengths[country]
	if !known {
		return "", fmt.Errorf("no country with IBANs has the code %q", country)
	}
	if len(text) != length {
		return "", fmt.Errorf("an IBAN of %s has %d signs; found %d", country, length, len(text))
	}
	if remainder(text[4:]+text[:4]) != 1 {
		return "", fmt.Errorf("the check digits %s do not fit the rest of the IBAN", text[2:4])
	}
	return IBAN(text), nil
}

// The remainder by 97 of the number that the text is when each letter counts for two digits, A for 10 and Z for 35.
func remainder(text string) int {
	rest := 0
	for _, sign := range text {
		if sign <= '9' {
			rest = (rest*10 + int(sign-'0')) % 97
		} else {
			rest = (rest*100 + int(sign-'A') + 10) % 97
		}
	}
	return rest
}

// Country is the code of the country where the account is.
func (i IBAN) Country() string { return string(i[:2]) }

// String is the IBAN as it is printed: in groups of four.
func (i IBAN) String() string {
	var groups []string
	for rest := string(i); rest != ""; {
		n := min(4, len(rest))
		groups, rest = append(groups, rest[:n]), rest[n:]
	}
	return strings.Join(groups, " ")
}
