import type { Figure } from "./figures.ts";
import type { Stage } from "./stage.ts";

/** One thing to be measured, by itself: it starts what it needs and leaves its end to the stage. */
export interface BenchCase {
  name: string;
  about: string;
  run(stage: Stage): Promise<CaseResult>;
}

export interface CaseResult {
  figures: Figure[];
  /** What else the figures depend on, such as the broker's version. */
  notes?: Record<string, string>;
}
