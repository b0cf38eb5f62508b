/** The little of `pg` that we use, which brings no types of its own. */
declare module "pg" {
  export interface PoolClient {
    query(text: string, values?: readonly unknown[]): Promise<{ rows: object[] }>;
    /** An error given means: do not use this connection again. */
    release(error?: Error | boolean): void;
  }
  export interface PoolConfig {
    connectionString: string;
    max: number;
    options: string;
    connectionTimeoutMillis: number;
    types: { getTypeParser(oid: number, format?: "text" | "binary"): (value: string) => unknown };
  }
  export class Pool {
    constructor(config: PoolConfig);
    connect(): Promise<PoolClient>;
    end(): Promise<void>;
    on(event: "error", listener: (error: Error) => void): this;
  }
  export const types: PoolConfig["types"];
  const pg: { Pool: typeof Pool; types: PoolConfig["types"] };
  export default pg;
}
