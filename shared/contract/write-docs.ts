/** `npm run docs`: writes the generated documents. */
import { writeFile } from "node:fs/promises";
import { documents } from "./documents.ts";

for (const [name, create] of Object.entries(documents)) {
  await writeFile(new URL(`../../docs/${name}`, import.meta.url), create());
}
