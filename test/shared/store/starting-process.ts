import { openStore } from "../../../shared/store/store.ts";
import { createTestLog } from "../bus/test-log.ts";

/** A process that starts and ends again and again: each time it takes a folder and writes the next number. */
const [dataDir = "", count = ""] = process.argv.slice(2);
const { log } = createTestLog();
for (let number = 0; number < Number(count); number++) {
  const store = openStore(dataDir, "CREATE TABLE IF NOT EXISTS numbers (number INTEGER)", log);
  await store.write((database) => database.prepare("INSERT INTO numbers VALUES (?)").run(number));
  store.close();
}
