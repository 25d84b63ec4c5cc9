// Lets Node versions that cannot strip types run the TypeScript sources: `node --import ./test/support/typescript.mjs`.
if (!process.features.typescript) {
  const { register } = await import('tsx/esm/api');
  register();
}
