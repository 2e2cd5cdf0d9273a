import { resolve } from "node:path";
import type { TestEvent } from "node:test/reporters";

/**
 * A reporter of `node --test` that writes how many tests were executed. `node --test` counts a file without tests as a
 * test that passed, and is content when a name pattern meets nothing; here neither counts, nor does a skipped test.
 */
async function* countExecuted(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let executed = 0;
  for await (const event of events) {
    if ((event.type === "test:pass" || event.type === "test:fail") && isExecutedTest(event.data)) executed += 1;
  }
  yield String(executed);
}

type Outcome = Extract<TestEvent, { type: "test:pass" | "test:fail" }>["data"];

function isExecutedTest({ name, nesting, file, details, skip, todo }: Outcome): boolean {
  const isFile = nesting === 0 && resolve(name) === file;
  return details.type === "test" && !isFile && !skip && !todo;
}

// oxlint-disable-next-line import/no-default-export -- node --test takes a reporter from the default export
export default countExecuted;
