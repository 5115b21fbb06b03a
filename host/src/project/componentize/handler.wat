;; What a compiler for WASI preview 1 makes of a handler: it reads the clock, logs "hello" and returns ok.
(module
  (import "fetchlock:handler/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $now (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "hello")
  ;; Memory from 1024 on is given away and never taken back.
  (global $free (mut i32) (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "_initialize"))
  (func (export "handle") (result i32)
    (drop (call $now (i32.const 0) (i64.const 1) (i32.const 16)))
    (call $log (i32.const 2) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0))
    ;; At 32 there are zeroes: the result ok.
    (i32.const 32)))
