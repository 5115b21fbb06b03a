package main

import (
	"fmt"
	"regexp"
	"strings"
)

// Address is a postal address.
type Address struct {
	Street     string `json:"street"`
	PostalCode string `json:"postalCode"`
	City       string `json:"city"`
	// The code of the country, such as DE.
	Country string `json:"country"`
}

// What postal codes look like, where we know it.
var postalCodes = map[string]*regexp.Regexp{
	"AT": regexp.MustCompile(`^[1-9]\d{3}$`),
	"BE": regexp.MustCompile(`^[1-9]\d{3}$`),
	"CH": regexp.MustCompile(`^[1-9]\d{3}$`),
	"DE": regexp.MustCompile(`^\d{5}$`),
	"ES": regexp.MustCompile(`^\d{5}$`),
	"FR": regexp.MustCompile(`^\d{5}$`),
	"GB": regexp.MustCompile(`^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$`),
	"IT": regexp.MustCompile(`^\d{5}$`),
	"NL": regexp.MustCompile(`^[1-9]\d{3} [A-Z]{2}$`),
	"PL": regexp.MustCompile(`^\d{2}-\d{3}$`),
}

// Uniform is the address without needless spaces, its codes in capitals.
func (a Address) Uniform() Address {
	tidy := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	return Address{
		Street:     tidy(a.Street),
		PostalCode: strings.ToUpper(tidy(a.PostalCode)),
		City:       tidy(a.City),
		Country:    strings.ToUpper(tidy(a.Country)),
	}
}

// Problems tells all that is wrong with a uniform address; it is never nil.
func (a Address) Problems() []string {
	problems := []string{}
	for _, line := range []struct{ name, text string }{
		{"street", a.Street}, {"postal code", a.PostalCode}, {"city", a.City}, {"country", a.Country},
	} {
		if line.text == "" {
			problems = append(problems, "the "+line.name+" is missing")
		}
	}
	if form, known := postalCodes[a.Country]; known && a.PostalCode != "" && !form.MatchString(a.PostalCode) {
		problems = append(problems, fmt.Sprintf("%s is no postal code of %s", a.PostalCode, a.Country))
	}
	return problems
}
