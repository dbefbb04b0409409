import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Runs a program to its end; the broker is in this process, so nothing may wait for it synchronously. */
export async function runToEnd(
  program: string,
  words: readonly string[],
  { env, input = '' }: { env: NodeJS.ProcessEnv; input?: string },
) {
  const child = spawn(program, words, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}
