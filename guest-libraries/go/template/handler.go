// The handler of topic {{topic}}: approves what a customer may pay without being asked.
package main

import (
	"fmt"
	"strconv"

	"fetchlock"
)

// Input is what it reads: variables of the task.
type Input struct {
	Amount   float64 `fetchlock:"amount"`
	Customer string  `fetchlock:"customer"`
}

// Output is what it completes the task with.
type Output struct {
	Approved bool   `fetchlock:"approved"`
	Message  string `fetchlock:"message"`
}

func init() { fetchlock.Handle(approve) }

// Nobody calls main: Fetchlock calls the handler, once for each task.
func main() {}

func approve(task *fetchlock.Task, input Input) (Output, error) {
	limit := 1000.0
	if setting, ok := task.Config("limit"); ok {
		var err error
		if limit, err = strconv.ParseFloat(setting, 64); err != nil {
			return Output{}, fmt.Errorf("the setting `limit`: %w", err)
		}
	}
	if input.Amount > limit {
		// The manifest lists the code under bpmn-errors, and the process catches it.
		return Output{}, &fetchlock.BpmnError{
			Code:    "TOO_MUCH",
			Message: fmt.Sprintf("%.15g is more than %.15g", input.Amount, limit),
		}
	}
	task.Log().Info("approved", "amount", input.Amount, "task", task.ID)
	return Output{Approved: true, Message: "Thank you, " + input.Customer}, nil
}
