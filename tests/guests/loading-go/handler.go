// Loads the variable `document` as often as `times` says, and tells how many bytes came: for the test that what a
// handler receives and lets go of is collected while it runs.
package main

import "fetchlock"

func init() { fetchlock.Handle(load) }

func main() {}

type input struct{ Times int }

type output struct{ Loaded int }

func load(task *fetchlock.Task, input input) (output, error) {
	var result output
	for range input.Times {
		content, err := task.Load("document")
		if err != nil {
			return result, err
		}
		result.Loaded += len(content)
	}
	return result, nil
}
