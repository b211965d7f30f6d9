/** Only in what `npm run dev` builds: the page loads anew when its script was written anew. */
const everyMs = 1000;

type CepNode = {
  readonly require: (name: 'fs') => { statSync(path: string): { mtimeMs: number } };
};

/** In a browser the bridge says when the file was written; a panel that was loaded from disk looks itself. */
async function stampOfScript(): Promise<string | undefined> {
  const address = new URL('main.js', window.location.href);
  const { cep_node: node } = window as { cep_node?: CepNode };
  try {
    if (address.protocol === 'file:' && node) {
      const path = decodeURIComponent(address.pathname).replace(/^\/(?=[A-Za-z]:)/, '');
      return String(node.require('fs').statSync(path).mtimeMs);
    }
    const answer = await fetch(address.href, { method: 'HEAD', cache: 'no-store' });
    return answer.ok ? (answer.headers.get('last-modified') ?? undefined) : undefined;
  } catch {
    // Being written, or the bridge restarts: looked at again in a second.
    return undefined;
  }
}

let first: string | undefined;
setInterval(() => {
  void stampOfScript().then(stamp => {
    if (stamp !== undefined && first !== undefined && stamp !== first) window.location.reload();
    first ??= stamp;
  });
}, everyMs);
