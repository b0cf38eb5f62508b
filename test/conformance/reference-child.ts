/** The reference server as a program that the tester starts, kills and starts again; its settings come from the tester's environment. */
import { openReference } from "./reference-server.ts";

const { FACILITATOR_URL = "", WITNESS_URL = "", DATABASE = ":memory:", PORT } = process.env;
await openReference({
  facilitatorUrl: FACILITATOR_URL,
  witnessUrl: WITNESS_URL,
  database: DATABASE,
  port: Number(PORT),
});
