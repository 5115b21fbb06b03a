// Passes all variables on unchanged, under names that begin with `echo_`: for the test that each type crosses in both
// directions.
package main

import "fetchlock"

func init() { fetchlock.Handle(echo) }

func main() {}

func echo(_ *fetchlock.Task, given fetchlock.Variables) (fetchlock.Variables, error) {
	passed := fetchlock.Variables{}
	for name, value := range given {
		passed["echo_"+name] = value
	}
	return passed, nil
}
