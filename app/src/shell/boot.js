const state = document.documentElement.dataset;
const fail = (error) => {
  state.hydrated = 'failed';
  console.error('The page works, but its script did not start:', error);
};
for (const list of ['RESOLVED_RESOURCES', 'SERIALIZED_ERRORS', 'INCOMPLETE_CHUNKS']) window['__' + list] ??= [];
const parents = [];
const walk = async (wasm, node) => {
  const inner = node.localName == 'leptos-children';
  if (inner) parents.push(node.$$on_hydrate);
  if (node.localName == 'leptos-island')
    try {
      parents.at(-1)?.();
      await wasm[node.dataset.component](node);
    } catch (error) {
      fail(error);
    }
  for (const child of node.children) await walk(wasm, child);
  if (inner) parents.pop();
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
