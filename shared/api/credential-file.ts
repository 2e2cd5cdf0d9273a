import type { Logger } from "../log.ts";
import type { Credential } from "./credential-store.ts";
import { createKeptFile, type KeptFile } from "./kept-file.ts";

export interface CredentialFileOptions {
  /** undefined = nothing is kept. */
  path: string | undefined;
  /** The name the value has in the file: `token` or `ticket`. */
  field: string;
  log: Logger;
}

/** The file `{"expire":<epoch s>,"<field>":"<value>"}`, as go-wx-gateway keeps it. */
export function createCredentialFile({ path, field, log }: CredentialFileOptions): KeptFile<Credential> {
  return createKeptFile({
    path,
    name: "credential",
    fieldsOf: ({ value, expire }) => ({ expire, [field]: value }),
    valueOf({ expire, [field]: value }) {
      if (typeof expire !== "number" || typeof value !== "string" || value === "")
        throw new SyntaxError("fields missing");
      return { value, expire };
    },
    log,
  });
}
