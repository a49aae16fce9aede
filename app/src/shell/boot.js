const state = document.documentElement.dataset;
const fail = (error) => {
  state.hydrated = 'failed';
  console.error('The page works, but its script did not start:', error);
};
for (const list of ['__RESOLVED_RESOURCES', '__SERIALIZED_ERRORS', '__PENDING_RESOURCES', '__RESOURCE_RESOLVERS', '__INCOMPLETE_CHUNKS']) window[list] ??= [];
const parents = [];
const walk = async (wasm, node) => {
  const children = node.localName == 'leptos-children';
  if (children) parents.push(node.$$on_hydrate);
  if (node.localName == 'leptos-island') {
    try {
      parents.at(-1)?.();
      await wasm[node.dataset.component](node);
    } catch (error) {
      fail(error);
    }
  }
  for (const child of node.children) await walk(wasm, child);
  if (children) parents.pop();
};
try {
  const wasm = await import(JS);
  await wasm.default({ module_or_path: WASM });
  wasm.hydrate();
  await walk(wasm, document.body);
  state.hydrated ??= 'true';
} catch (error) {
  fail(error);
}
