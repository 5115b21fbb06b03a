// The handler of topic check-iban: checks a bank account and the address of its holder before money is sent there.
package main

import (
	"fetchlock"
)

// Input is what it reads: one Json variable.
type Input struct {
	Account Account `fetchlock:"account"`
}

// Account is a bank account as the process knows it.
type Account struct {
	Holder  string  `json:"holder"`
	IBAN    string  `json:"iban"`
	Address Address `json:"address"`
}

// Output is what it completes the task with.
type Output struct {
	// The account with its IBAN and address in the form that the bank wants.
	Account Account `fetchlock:"account"`
	// Where the account is.
	Country string `fetchlock:"country"`
	// What somebody should look at before the money is sent; empty if all is well.
	AddressProblems []string `fetchlock:"addressProblems"`
}

func init() { fetchlock.Handle(check) }

// Nobody calls main: Fetchlock calls the handler, once for each task.
func main() {}

func check(task *fetchlock.Task, input Input) (Output, error) {
	account := input.Account
	iban, err := ParseIBAN(account.IBAN)
	if err != nil {
		task.Log().Warn("not an IBAN", "problem", err)
		return Output{}, &fetchlock.BpmnError{
			Code:      "INVALID_IBAN",
			Message:   err.Error(),
			Variables: map[string]string{"ibanProblem": err.Error()},
		}
	}
	account.IBAN = iban.String()
	account.Address = account.Address.Uniform()
	problems := account.Address.Problems()
	task.Log().Info("checked", "country", iban.Country(), "problems", len(problems))
	return Output{Account: account, Country: iban.Country(), AddressProblems: problems}, nil
}
