package main

import (
	"testing"

	"fetchlock"
	"fetchlock/fetchlocktest"
)

func TestASmallAmountIsApproved(t *testing.T) {
	result := fetchlocktest.Run(t, approve, fetchlocktest.Given{
		Variables: map[string]any{"amount": 42.0, "customer": "Ada"},
	})
	result.Completed(t, map[string]any{"approved": true, "message": "Thank you, Ada"})
}

func TestWhatIsMoreThanTheLimitIsTooMuch(t *testing.T) {
	result := fetchlocktest.Run(t, approve, fetchlocktest.Given{
		Variables: map[string]any{"amount": fetchlock.Integer(51), "customer": "Ada"},
		Config:    map[string]string{"limit": "50"},
	})
	result.BpmnError(t, "TOO_MUCH")
}
