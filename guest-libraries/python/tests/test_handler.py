"""What a handler may be, and what becomes of what it returns and raises."""

import logging
import unittest
from dataclasses import dataclass
from datetime import timedelta

import fetchlock
from fetchlock import (
    BpmnError,
    Complete,
    Failure,
    File,
    HandOff,
    NotRunningError,
    Retries,
    Task,
    Transient,
    Unlock,
    config,
    engine,
    extend_lock,
    handler,
    http,
    log,
    set_progress,
)
from fetchlock._input import arguments_of
from fetchlock.testing import LogLine, TestHost, run


class Outcomes(unittest.TestCase):
    def test_nothing_returned_completes_without_variables(self):
        self.assertEqual(run(lambda: None), Complete())

    def test_other_outcomes_are_returned(self):
        self.assertEqual(run(lambda: Unlock("1m 30s")), Unlock(90))
        self.assertEqual(run(lambda: HandOff(timedelta(hours=1))), HandOff(3600))
        self.assertEqual(run(lambda: HandOff("PT5M")), HandOff(300))
        self.assertEqual(run(lambda: Complete({"a": 1}, {"b": Transient(2)})), Complete({"a": 1}, {"b": Transient(2)}))

    def test_a_bpmn_error_has_code_message_and_variables(self):
        def handle():
            raise BpmnError("NO", "no way", {"why": "because"})

        outcome = run(handle)
        self.assertEqual((outcome.code, outcome.message, outcome.variables), ("NO", "no way", {"why": "because"}))

    def test_an_exception_is_a_failure_with_its_traceback(self):
        def handle():
            try:
                {}["key"]
            except KeyError as error:
                raise ValueError("no key") from error

        outcome = run(handle)
        self.assertEqual((outcome.message, outcome.retry), ("ValueError: no key", "policy"))
        self.assertIn("KeyError: 'key'", outcome.details)
        self.assertIn('{}["key"]', outcome.details)
        self.assertTrue(outcome.details.endswith("ValueError: no key"))
        self.assertNotIn("_invoke.py", outcome.details)

    def test_a_failure_says_more(self):
        def handle():
            raise Failure("down", "long", retry=Retries(2, "5m"), variables={"a": 1}, local_variables={"b": 2})

        outcome = run(handle)
        self.assertEqual((outcome.message, outcome.details, outcome.retry), ("down", "long", Retries(2, 300)))
        self.assertEqual((outcome.variables, outcome.local_variables), ({"a": 1}, {"b": 2}))
        self.assertEqual(run(lambda: Failure("x", retry="never")).retry, "never")
        with self.assertRaisesRegex(ValueError, "retry is"):
            Failure("x", retry="sometimes")

    def test_leaving_python_is_a_failure_too(self):
        self.assertEqual(run(lambda: exit(3)).message, "SystemExit: 3")

    def test_an_own_decision_is_left_alone(self):
        host = TestHost()

        def handle():
            host.complete([], [])
            raise ValueError("late")

        self.assertEqual(host.run(handle), Complete())
        self.assertEqual(host.log_lines[0][:2], ("error", "the handler has decided before, and raised: ValueError: late"))

    def test_a_delay_that_is_none_is_told(self):
        self.assertEqual(
            run(lambda: Unlock("soon")).message,
            'ValueError: \'soon\' is no length of time: write "30s", "1h 30m", "500ms" or "PT5M"',
        )


class Parameters(unittest.TestCase):
    def test_the_task_is_given_to_who_asks_for_it(self):
        @handler
        def handle(task: Task):
            return {"id": task.id, "retries": task.retries}

        self.assertEqual(run(handle, task={"retries": 2}), Complete({"id": "task-1", "retries": 2}))

    def test_a_handler_without_types_gets_task_and_variables(self):
        self.assertEqual(run(lambda task, input: {"a": input["b"], "t": task.topic}, {"b": 1}), Complete({"a": 1, "t": "test"}))

    def test_a_function_that_cannot_be_a_handler_is_refused(self):
        async def asynchronous():
            pass

        def number(input: int):
            pass

        @dataclass
        class Wrong:
            x: complex

        def wrong(input: Wrong):
            pass

        wrong.__annotations__ = {"input": Wrong}
        Wrong.__annotations__ = {"x": complex}
        cases = {
            "is `async`": asynchronous,
            "has other parameters than a handler's": lambda a, b, c: None,
            "parameter `input`: int is neither `Task` nor what variables can be": number,
            "Wrong.x: complex is no type that a variable can have": wrong,
        }
        for text, function in cases.items():
            with self.assertRaisesRegex(TypeError, text.replace("(", r"\(")):
                arguments_of(function)


class Calls(unittest.TestCase):
    def test_nothing_is_there_before_a_task(self):
        for call in (lambda: config.get("a"), lambda: log.info("a"), lambda: http.get("https://a.b")):
            with self.assertRaisesRegex(NotRunningError, "call it in the handler"):
                call()

    def test_settings_are_read(self):
        def handle():
            return {"a": config.get("a"), "b": config.get("b", "2"), "keys": config.keys()}

        self.assertEqual(run(handle, config={"a": "1"}), Complete({"a": "1", "b": "2", "keys": ["a"]}))
        self.assertIn("config `c` is missing", run(lambda: config.required("c")).message)

    def test_both_ways_to_log_come_out_with_fields(self):
        host = TestHost()

        def handle():
            log.warn("one", a=1)
            logging.getLogger("shop").info("two %d", 2, extra={"b": 2})
            logging.debug("not told")
            try:
                raise ValueError("x")
            except ValueError:
                logging.exception("three")

        host.run(handle)
        self.assertEqual(host.log_lines[0], LogLine("warn", "one", {"a": "1"}))
        self.assertEqual(host.log_lines[1], LogLine("info", "two 2", {"b": "2", "logger": "shop"}))
        self.assertEqual(host.log_lines[2][:2], ("error", "three"))
        self.assertIn("ValueError: x", host.log_lines[2].fields["traceback"])
        self.assertEqual(len(host.log_lines), 3)

    def test_a_file_is_loaded_when_it_is_read(self):
        host = TestHost({"doc": File("a.txt", "Zoë", encoding="latin-1")})

        def handle(input: fetchlock.Variables):
            file = input["doc"]
            self.assertEqual(host.loaded, [])
            return {"text": file.text(), "again": file.text(), "copy": file}

        outcome = host.run(handle)
        self.assertEqual(outcome.variables["text"], "Zoë")
        self.assertEqual(host.loaded, ["doc"])

    def test_lock_and_progress_are_kept(self):
        host = TestHost()
        host.run(lambda: (extend_lock("30s"), set_progress({"percent": 50}, scope="local"))[:0] or None)
        self.assertEqual((host.lock_extensions, host.progress), ([30000], [{"percent": 50}]))

    def test_a_call_that_the_test_does_not_answer_fails_the_test(self):
        with self.assertRaisesRegex(AssertionError, "no answer for GET https://a.b/c"):
            run(lambda: http.get("https://a.b/c"))
        with self.assertRaisesRegex(AssertionError, "no answer for the start of the process `p`"):
            run(lambda: engine.start_process("p"))

    def test_requests_and_responses(self):
        def answer(request):
            self.assertEqual((request.method, request.url, request.json()), ("POST", "https://a.b/c", {"x": 1}))
            self.assertEqual(request.headers["Content-Type"], "application/json")
            return http.Response(404, json={"y": 2}, headers={"Content-Type": "application/json; charset=utf-8"})

        def handle():
            response = http.post("https://a.b/c", json={"x": 1})
            return {"status": response.status, "y": response.json()["y"], "text": response.text, "ok": response.ok}

        outcome = run(handle, http=answer)
        self.assertEqual(outcome, Complete({"status": 404, "y": 2, "text": '{"y":2}', "ok": False}))
        refused = run(lambda: http.post("https://a.b/c", json={"x": 1}).raise_for_status(), http=answer)
        self.assertEqual(refused.message, 'StatusError: the response: status 404: {"y":2}')

    def test_engine_calls(self):
        def start(asked):
            self.assertEqual((asked.key, asked.business_key, asked.variables[0].name), ("p", "b", "a"))
            return engine.Instance("i", True)

        def handle():
            started = engine.start_process("p", business_key="b", variables={"a": 1}, unless_running=True)
            received = engine.correlate_message("m", receivers="all")
            return {"id": started.id, "received": len(received)}

        outcome = run(handle, start_process=start, correlate_message=lambda message: [])
        self.assertEqual(outcome, Complete({"id": "i", "received": 0}))


if __name__ == "__main__":
    unittest.main()
