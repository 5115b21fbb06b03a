// What `fetch` is in a component whose manifest requests no HTTP: without this it would end the invocation with a trap
// that does not tell the reason.

globalThis.fetch = async (resource) => {
  const address = String(resource?.url ?? resource);
  throw new Error(
    `fetch of ${address} is not possible: the manifest requests no HTTP. Add what is needed to it, such as ` +
      `[grants] http = ["GET ${origin(address)}"], build again, and have the operator allow it in fetchlock.toml`,
  );
};

function origin(address) {
  try {
    return new URL(address).origin;
  } catch {
    return 'https://example.com';
  }
}
