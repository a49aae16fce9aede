const{dataset:s}=document.documentElement,fail=e=>{s.hydrated='failed'
console.error('The page works, its script did not start:',e)},parents=[],walk=async(wasm,n)=>{const inner=n.localName=='leptos-children'
if(inner)parents.push(n.$$on_hydrate)
if(n.localName=='leptos-island')try{parents.at(-1)?.()
await wasm[n.dataset.component](n)}catch(e){fail(e)
wasm.hydrate()}
for(const c of n.children)await walk(wasm,c)
if(inner)parents.pop()}
for(const l of['RESOLVED_RESOURCES','SERIALIZED_ERRORS','INCOMPLETE_CHUNKS'])window['__'+l]??=[]
try{AbortSignal.timeout.name
const wasm=await import(JS)
await wasm.default({module_or_path:WASM})
wasm.hydrate()
await walk(wasm,document.body)
s.hydrated??='true'}catch(e){fail(e)}
