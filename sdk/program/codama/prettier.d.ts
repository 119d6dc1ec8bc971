// prettier's package of this version has no types for its main module.
declare module "prettier" {
  export function format(text: string, options: { parser: "typescript"; printWidth: number }): Promise<string>;
}
