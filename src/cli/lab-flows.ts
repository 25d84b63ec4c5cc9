/** The lab's pipeline, as somebody would write it for ovs-ofctl add-flows. */

/** Port of the service that everybody may use. */
export const LAB_SERVICE_PORT = 5001;
/** Port of the service that the access list forbids. */
export const LAB_FORBIDDEN_PORT = 23;

export const LAB_FLOWS: string = `
# Table 0, the access list: what is not dropped goes on to table 1.
table=0, priority=300, tcp, tp_dst=${LAB_FORBIDDEN_PORT}, actions=drop
table=0, priority=300, udp, tp_dst=${LAB_FORBIDDEN_PORT}, actions=drop
# h3 may not ping h2. Its answers to pings of h2 are another ICMP type and pass.
table=0, priority=200, icmp, nw_src=10.0.0.3, nw_dst=10.0.0.2, icmp_type=8, actions=drop
table=0, priority=0, actions=resubmit(,1)

# Table 1: remember in table 10 which port the sender is on, then look the receiver up there.
table=1, priority=0, actions=learn(table=10, idle_timeout=60, NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[], output:NXM_OF_IN_PORT[]), resubmit(,10)

# Table 10 fills with what was learned; who is not in it yet is looked for everywhere.
table=10, priority=0, actions=flood
`;
