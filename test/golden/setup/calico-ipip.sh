#!/bin/sh
# node n1, calico-ipip
set -e

ip link show tunl0 > /dev/null 2>&1 || ip link add tunl0 type ipip local 192.168.50.11  # the IPIP device has the first address of the node's pod CIDR, shop.json:1
ip link set tunl0 mtu 1480 up  # the IPIP device has the first address of the node's pod CIDR, shop.json:1
sysctl -q -w net.ipv4.ip_forward=1  # net.ipv4.ip_forward = 1, as kubeadm asks of a node
sysctl -q -w net.ipv6.conf.all.forwarding=1  # net.ipv6.conf.all.forwarding = 1, as kubeadm asks of a node
sysctl -q -w net.ipv4.conf.default.proxy_arp=1  # the node answers for the gateway of its pods; the interfaces of pods, made later, take this value over

ip -4 -batch - <<'END'
address replace 10.244.1.0/32 dev tunl0  # the IPIP device has the first address of the node's pod CIDR, shop.json:1
route replace unicast 10.244.2.0/24 via 192.168.50.12 dev tunl0 onlink  # nodes have a route to the pods of each other node, shop.json:1
END

ip -6 -batch - <<'END'
address replace fd00:244:0:1::/128 dev tunl0 nodad  # the IPIP device has the first address of the node's pod CIDR, shop.json:1
# no route to fd00:244:0:2::/64: IPIP carries no IPv6  # nodes have a route to the pods of each other node, shop.json:1
END
