// @ts-check
/** A name server (RFC 1035) for a few names that have one IPv4 address each, over UDP. It says of all other names that they do not exist. */
import { createSocket } from "node:dgram";

const TYPE_A = 1;
const NO_ERROR = 0;
const NO_SUCH_NAME = 3;

/** Offset of the first question, which is the size of a header. */
const QUESTION = 12;

/**
 * Answers at port 53 of all addresses. `addresses`: by name in lower case; more may come later.
 * @param {ReadonlyMap<string, string>} addresses
 */
export async function serveNames(addresses) {
  const socket = createSocket({ type: "udp6", ipv6Only: false });
  socket.on("message", (query, { address, port }) => {
    const answer = answerTo(query, addresses);
    if (answer !== undefined) socket.send(answer, port, address);
  });
  await new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.bind(53, "::", () => resolve(undefined));
  });
}

/** Undefined: what came is no query. @param {Buffer} query @param {ReadonlyMap<string, string>} addresses */
function answerTo(query, addresses) {
  if (query.length < QUESTION + 5) return undefined;
  /** @type {string[]} */
  const labels = [];
  let at = QUESTION;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    // The type and the class are to follow.
    if (length > 63 || at + length + 6 > query.length) return undefined;
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const address = addresses.get(labels.join(".").toLowerCase());
  const hasAddress = address !== undefined && query.readUInt16BE(at + 1) === TYPE_A;
  const header = Buffer.alloc(QUESTION);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8580 | (address === undefined ? NO_SUCH_NAME : NO_ERROR), 2); // an answer with authority, recursion is there
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(hasAddress ? 1 : 0, 6);
  const question = query.subarray(QUESTION, at + 5);
  if (!hasAddress) return Buffer.concat([header, question]);
  const record = Buffer.from([0xc0, QUESTION, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split(".").map(Number)]);
  return Buffer.concat([header, question, record]);
}
