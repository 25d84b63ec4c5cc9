/** OpenFlow port numbers that are not ports (ovs-actions(7), "The OpenFlow reserved ports"), in OpenFlow 1.0's 16 bits. */

/** the highest number of a real port */
export const OFPP_MAX = 0xff00;
/** not a port; output in the action set unset */
export const OFPP_UNSET = 0xfff7;
export const OFPP_IN_PORT = 0xfff8;
export const OFPP_TABLE = 0xfff9;
export const OFPP_NORMAL = 0xfffa;
export const OFPP_FLOOD = 0xfffb;
export const OFPP_ALL = 0xfffc;
export const OFPP_CONTROLLER = 0xfffd;
export const OFPP_LOCAL = 0xfffe;
/** no port: the value of in_port for a packet that did not come in by one, and of `any` in group and flow filters */
export const OFPP_NONE = 0xffff;
