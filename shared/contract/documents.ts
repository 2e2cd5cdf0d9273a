import { defaultPrefix } from "../bus/names.ts";
import { createAsyncapi } from "./asyncapi.ts";
import { eventsTable } from "./events-table.ts";
import { createOpenapi } from "./openapi.ts";

/** The documents of `docs/` that are generated, by file name, with the default prefix. */
export const documents: Readonly<Record<string, () => string>> = {
  "asyncapi.json": () => `${JSON.stringify(createAsyncapi(defaultPrefix), null, 2)}\n`,
  "events.md": eventsTable,
  "openapi.json": () => `${JSON.stringify(createOpenapi(), null, 2)}\n`,
};
