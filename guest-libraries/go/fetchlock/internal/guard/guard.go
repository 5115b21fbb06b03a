//go:build wasm

// Package guard keeps Go's garbage collector away from where it would end the handler.
//
// The host puts texts and lists that it answers with into memory that it asks Go for. While it asks, the handler must
// not call the host; but a collection looks at the clock, which is a call of the host, and a running collection lets
// every allocation help it. So there is none while the host may ask: the collector is on while the user's code runs and
// off around every call of the host.
package guard

import (
	"runtime"
	"runtime/debug"
	"sync"

	witRuntime "fetchlock/internal/wit/runtime"
)

// What is received while the collector is off starts no collection, so there is one by hand when as much was received as
// the last one left, but no less than this: Go's own smallest heap.
const smallestHeap = 4 << 20

const off = -1

var (
	// One call of the host at a time: switching the collector off may let another goroutine run.
	calling sync.Mutex
	// What the collector is on with; the default, unless the environment says something else.
	percent = 100
	isOn    = true
	// How many bytes were received since the last collection by hand, and how many lead to the next one.
	pending uintptr
	enough  uintptr = smallestHeap
)

// Call runs call, which calls the host. What it received must be Go's own values when it returns.
func Call(call func()) {
	calling.Lock()
	defer calling.Unlock()
	defer release()
	collect()
	if isOn {
		percent = debug.SetGCPercent(off)
		defer debug.SetGCPercent(percent)
	}
	call()
}

// Task makes ready for a task, which begins with the collector off.
func Task() { switchOff() }

// UserCode runs code, which may allocate as it likes, with the collector on.
func UserCode(code func()) {
	switchOn()
	defer switchOff()
	code()
}

func switchOn() {
	calling.Lock()
	defer calling.Unlock()
	debug.SetGCPercent(percent)
	isOn = true
}

func switchOff() {
	calling.Lock()
	defer calling.Unlock()
	if isOn {
		percent = debug.SetGCPercent(off)
		isOn = false
	}
}

// Collects, if it is due: before a call of the host, when what came with the ones before may be garbage.
func collect() {
	if pending < enough {
		return
	}
	runtime.GC()
	var left runtime.MemStats
	runtime.ReadMemStats(&left)
	pending, enough = 0, max(smallestHeap, uintptr(left.HeapAlloc))
}

// Lets go of what the host has been given memory for: what is still used, Go's own values hold.
func release() {
	pending += witRuntime.TakeReceived()
	witRuntime.Unpin()
}
