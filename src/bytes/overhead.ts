/** Bytes of the IPv4 and UDP headers around a packet, which count for all rates. */
export const IP_UDP_OVERHEAD = 28;
