import type { Transport } from '@mayfly/client/transport'

/** More than any answer of a broker or of GitHub's token service. */
const longestAnswer = 1024 * 1024

/**
 * Node's own http(s): its first request starts much earlier than the first `fetch` of a process. Not by `import`,
 * which reads every member of the module and so loads the WebSocket client that hides behind one (30 ms).
 */
export const nodeTransport: Transport = (url, { method, headers, body, signal }) => {
  const { request, Agent } = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http')
  // Self-hosted runners behind a proxy say so in these; a CA of their own is in NODE_EXTRA_CA_CERTS, which Node reads.
  const behindProxy = ['HTTPS_PROXY', 'HTTP_PROXY'].some(
    (name) => process.env[name] ?? process.env[name.toLowerCase()],
  )
  const agent = behindProxy ? { agent: new Agent({ proxyEnv: process.env }) } : {}
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method, headers, ...agent, ...(signal === undefined ? {} : { signal }) },
      (incoming) => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => {
          text += chunk
          if (text.length > longestAnswer) incoming.destroy(new Error('The answer is too long.'))
        })
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: { get: (name) => [incoming.headers[name.toLowerCase()]].flat().join(', ') || null },
            text: async () => text,
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
