#!/bin/sh
# node n1, calico-vxlan
set -e

ip link show vxlan.calico > /dev/null 2>&1 || ip link add vxlan.calico address 02:00:c0:a8:32:0b type vxlan id 1 local 192.168.50.11 dstport 4789 nolearning  # the VXLAN device has the first address of the node's pod CIDR, shop.json:1
ip link set vxlan.calico mtu 1450 up  # the VXLAN device has the first address of the node's pod CIDR, shop.json:1
sysctl -q -w net.ipv4.ip_forward=1  # net.ipv4.ip_forward = 1, as kubeadm asks of a node
sysctl -q -w net.ipv6.conf.all.forwarding=1  # net.ipv6.conf.all.forwarding = 1, as kubeadm asks of a node
sysctl -q -w net.ipv4.conf.default.proxy_arp=1  # the node answers for the gateway of its pods; the interfaces of pods, made later, take this value over

ip -4 -batch - <<'END'
address replace 10.244.1.0/32 dev vxlan.calico  # the VXLAN device has the first address of the node's pod CIDR, shop.json:1
neighbour replace 10.244.2.0 lladdr 02:00:c0:a8:32:0c dev vxlan.calico nud permanent  # the tunnel's end on 192.168.50.12
route replace unicast 10.244.2.0/24 via 10.244.2.0 dev vxlan.calico onlink  # nodes have a route to the pods of each other node, shop.json:1
END

ip -6 -batch - <<'END'
address replace fd00:244:0:1::/128 dev vxlan.calico nodad  # the VXLAN device has the first address of the node's pod CIDR, shop.json:1
neighbour replace fd00:244:0:2:: lladdr 02:00:c0:a8:32:0c dev vxlan.calico nud permanent  # the tunnel's end on 192.168.50.12
route replace unicast fd00:244:0:2::/64 via fd00:244:0:2:: dev vxlan.calico onlink metric 1024  # nodes have a route to the pods of each other node, shop.json:1
END

bridge fdb replace 02:00:c0:a8:32:0c dev vxlan.calico dst 192.168.50.12  # packets to the tunnel's end on 192.168.50.12
