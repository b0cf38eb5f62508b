/** The key in the variable that `--key-env` names. It is read, and never told. */
import { usageError } from "./check-options.ts";

/** Undefined where the variable is not set, or empty. */
export function readKeyEnv(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): `0x${string}` | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw usageError(
      // It may be the key itself.
      "What --key-env says is not the name of a variable.",
      "Put the key into a variable, and give its name: --key-env TEST_KEY.",
    );
  }
  const text = env[name] ?? "";
  if (text === "") return undefined;
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text as `0x${string}`;
  throw usageError(
    `${name} does not hold a private key.`,
    `A key is 0x and 64 hexadecimal digits; this has ${text.length} characters.`,
  );
}
