/** Who is at the other end of a request, as far as the network can tell. */
export interface Peer {
  /**
   * The client's address: the socket's, or the forwarded one when the socket belongs to a trusted proxy. To be read before
   * the request is answered; asking the socket costs a quarter of an accepted message, so it is asked only when read.
   */
  readonly address: string;
}
