#!/usr/bin/env node
import "./check-node.js";

// Node looks host names up on half of these threads, four by default. A name whose name server is silent keeps one for 10 s
// and longer.
process.env["UV_THREADPOOL_SIZE"] ??= "16";
await import("./main.ts");
