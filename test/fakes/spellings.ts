/** A secret in the ways in which it could leak: as it is, encoded, and inside of something that is encoded. */
export function spellingsOf(secret: string): readonly string[] {
  const found = new Set<string>([encodeURIComponent(secret)])
  for (const piece of piecesOf(secret)) {
    found.add(piece)
    for (const bytes of readingsOf(piece)) for (const each of encodingsOf(bytes)) found.add(each)
  }
  // Shorter ones would be found by chance.
  return [...found].filter((each) => each.length >= 16)
}

/** A token leaks as well when its payload or its signature does, and a long text when its middle does. */
function piecesOf(secret: string): readonly string[] {
  const parts = secret.split('.').filter((part) => part.length >= 40)
  const middle = Math.floor(secret.length / 2)
  const cut = secret.length >= 128 ? [secret.slice(middle - 24, middle + 24)] : []
  return parts.length === 3 ? [secret, ...parts.slice(1), ...cut] : [secret, ...cut]
}

/** The text itself, and the bytes that it stands for. */
function readingsOf(piece: string): readonly Buffer[] {
  const bytes = /^[A-Za-z0-9+/_-]+=*$/.test(piece) ? [Buffer.from(piece, 'base64')] : []
  return [Buffer.from(piece), ...bytes]
}

function encodingsOf(bytes: Buffer): readonly string[] {
  const hex = bytes.toString('hex')
  // Base64 of a longer text that holds these bytes: they may begin at any of three places of a group.
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64url')
    return text.slice(before === 0 ? 0 : 4, -4)
  })
  const standard = inside.map((text) => text.replaceAll('-', '+').replaceAll('_', '/'))
  return [hex, hex.toUpperCase(), ...inside, ...standard]
}
