import type { TSchema } from "typebox";

/** A part of an OpenAPI document (3.1): plain JSON. */
export type Part = { readonly [name: string]: unknown };

/** What every request to WeChat's side of the bridge is answered in when it fails: the failure's words and a newline. */
const words = { "text/plain; charset=utf-8": { schema: { type: "string", pattern: "^[^\\n]+\\n$" } } } as const;

/** A failure told in words. */
export const refusal = (description: string): Part => ({ description, content: words });

/** An answer with a body of one type. */
export const answer = (description: string, type: string, schema: TSchema | Part): Part => ({
  description,
  content: { [type]: { schema } },
});

/** A parameter of the query, text unless a schema is given. */
export const query = (name: string, description: string, required = true, schema: Part = { type: "string" }): Part => ({
  name,
  in: "query",
  required,
  description,
  schema,
});

/** A header of a request to a backend. */
export const header = (name: string, description: string, required = true): Part => ({
  name,
  in: "header",
  required,
  description,
  schema: { type: "string" },
});

/** A part that stands among the document's components. */
export const ref = (kind: "schemas" | "responses" | "parameters", name: string): Part => ({
  $ref: `#/components/${kind}/${name}`,
});
