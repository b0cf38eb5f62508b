/** A Worker as it was uploaded: its modules, what it is bound to, and the runtime behaviour it was written for. */
export interface WorkerCode {
  /** The entry module comes first. */
  readonly modules: readonly WorkerModule[];
  readonly bindings: readonly WorkerBinding[];
  /** Such as "2026-01-01". */
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
}

export interface WorkerModule {
  /** Relative, as imports name it. */
  readonly name: string;
  readonly type: "ESModule" | "Text" | "Data" | "CompiledWasm";
  readonly base64: string;
}

export type WorkerBinding =
  | { readonly type: "plain_text" | "secret_text"; readonly name: string; readonly text: string }
  | { readonly type: "json"; readonly name: string; readonly json: unknown }
  | { readonly type: "kv_namespace"; readonly name: string; readonly namespace_id: string };

/** A Worker under the name that the runtime knows it by. */
export interface NamedWorker {
  readonly name: string;
  readonly code: WorkerCode;
}
