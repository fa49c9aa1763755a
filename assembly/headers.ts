/**
 * Where packets have what, as bytes from the first one of each header. Shared by asc and tsc: integer constants and nothing
 * else.
 */

// --- Ethernet ------------------------------------------------------------------------------------------------------------

export const ETHERNET_TYPE = 12;
export const ETHERNET_BYTES = 14;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;

// --- IPv4 ----------------------------------------------------------------------------------------------------------------

/** The version in the upper half of the first byte, words of the header in the lower one. */
export const IPV4_PLAIN = 0x45;
/** Without options. */
export const IPV4_BYTES = 20;
export const IPV4_TOTAL_LENGTH = 2;
/** Flags, then the fragment's offset in units of eight bytes. */
export const IPV4_FRAGMENT = 6;
export const IPV4_DO_NOT_FRAGMENT = 0x4000;
export const IPV4_MORE_FRAGMENTS = 0x2000;
export const IPV4_FRAGMENT_OFFSET_MASK = 0x1fff;
export const IPV4_TTL = 8;
export const IPV4_PROTOCOL = 9;
export const IPV4_CHECKSUM = 10;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;

// --- IPv6 ----------------------------------------------------------------------------------------------------------------

/** The version in the upper half of the first byte. */
export const IPV6_VERSION = 0x60;
export const IPV6_BYTES = 40;
export const IPV6_PAYLOAD_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
export const IPV6_HOP_LIMIT = 7;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;

/** Of extension headers: the protocol of what follows, and the length. */
export const EXTENSION_NEXT = 0;
export const EXTENSION_LENGTH = 1;

export const FRAGMENT_BYTES = 8;
/** The offset in bytes, of which the lowest bits are none: the last one says whether more fragments follow. */
export const FRAGMENT_FIELD = 2;
export const FRAGMENT_OFFSET_MASK = 0xfff8;
export const FRAGMENT_MORE = 1;

// --- protocols -----------------------------------------------------------------------------------------------------------

/** IANA numbers of transport protocols. */
export const ICMP = 1;
export const IPIP = 4;
export const TCP = 6;
export const UDP = 17;
export const GRE = 47;
export const ICMPV6 = 58;
export const SCTP = 132;
export const UDPLITE = 136;

/** IANA numbers of IPv6 extension headers. */
export const HOP_BY_HOP = 0;
export const ROUTING = 43;
export const FRAGMENT = 44;
export const AUTHENTICATION = 51;
export const NOTHING_NEXT = 59;
export const DESTINATION_OPTIONS = 60;

// --- transport headers ---------------------------------------------------------------------------------------------------

/** Of TCP, UDP, UDP-Lite and SCTP. */
export const SOURCE_PORT = 0;
export const DESTINATION_PORT = 2;

/** Without options. */
export const TCP_BYTES = 20;
export const TCP_SEQUENCE = 4;
export const TCP_ACKNOWLEDGEMENT = 8;
/** In the upper half of the byte: words of the header. */
export const TCP_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;

export const UDP_BYTES = 8;
/** Of header and data; of UDP-Lite: of what the checksum covers. */
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;

/** The common header, and the head of the first chunk. */
export const SCTP_BYTES = 16;
export const SCTP_CHECKSUM = 8;
export const SCTP_CHUNK = 12;
export const SCTP_CHUNK_LENGTH = 14;
/** Of the chunks INIT and INIT ACK. */
export const SCTP_INITIATE_TAG = 16;
export const SCTP_WINDOW = 20;
export const SCTP_OUTBOUND_STREAMS = 24;
export const SCTP_INBOUND_STREAMS = 26;
export const SCTP_FIRST_TSN = 28;
/** With that chunk. */
export const SCTP_INIT_BYTES = 32;

/** Kinds of chunks. */
export const SCTP_INIT = 1;
export const SCTP_INIT_ACK = 2;
export const SCTP_ABORT = 6;

/** Of echoes. */
export const ICMP_BYTES = 8;
export const ICMP_TYPE = 0;
export const ICMP_CODE = 1;
export const ICMP_CHECKSUM = 2;
export const ICMP_IDENTIFIER = 4;
export const ICMP_SEQUENCE = 6;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_TIMESTAMP_REQUEST = 13;
export const ICMP_INFORMATION_REQUEST = 15;
export const ICMP_MASK_REQUEST = 17;

export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;
/** The first and the last type of multicast listener and neighbour discovery, and the second version of its reports. */
export const ICMPV6_DISCOVERY_FIRST = 130;
export const ICMPV6_DISCOVERY_LAST = 136;
export const ICMPV6_LISTENER_REPORT = 143;
export const ICMPV6_NODE_INFORMATION = 139;

/** In a datagram of UDP, before a frame. */
export const VXLAN_BYTES = 8;
export const VXLAN_FLAGS = 0;
/** In the upper three bytes: the network's number. */
export const VXLAN_NETWORK = 4;
