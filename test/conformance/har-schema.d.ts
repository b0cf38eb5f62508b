/** The package has no types of its own: a JSON schema for each object of HAR 1.2. */
declare module "har-schema" {
  const schemas: Readonly<Record<string, { $schema: string }>>;
  export default schemas;
}
