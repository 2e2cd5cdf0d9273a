import * as fc from "fast-check";

/** FUZZ_SEED repeats a run, FUZZ_RUNS multiplies its length: `FUZZ_RUNS=50 npm test -- --no-broker test/fuzz`. */
const seed = process.env["FUZZ_SEED"];
const times = Number(process.env["FUZZ_RUNS"] ?? 1);

/** Checks a property with `numRuns` examples; a failure names its seed and the smallest example found in 10 s. */
export async function check<T>(property: fc.IProperty<T> | fc.IAsyncProperty<T>, numRuns: number): Promise<void> {
  await fc.assert(property as fc.IAsyncProperty<T>, {
    numRuns: numRuns * times,
    markInterruptAsFailure: false,
    interruptAfterTimeLimit: 10_000 * times,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  });
}
