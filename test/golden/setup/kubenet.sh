#!/bin/sh
# node n1, kubenet
set -e

[ -d /proc/sys/net/bridge ] || modprobe br_netfilter  # has the sysctls of bridges
ip link show cbr0 > /dev/null 2>&1 || ip link add cbr0 type bridge  # the bridge of a node's pods has the first address of the node's pod CIDR, shop.json:1
ip link set cbr0 mtu 1500 up  # the bridge of a node's pods has the first address of the node's pod CIDR, shop.json:1
sysctl -q -w net.ipv4.ip_forward=1  # net.ipv4.ip_forward = 1, as kubeadm asks of a node
sysctl -q -w net.ipv6.conf.all.forwarding=1  # net.ipv6.conf.all.forwarding = 1, as kubeadm asks of a node
sysctl -q -w net.bridge.bridge-nf-call-iptables=1  # net.bridge.bridge-nf-call-iptables = 1, as kubeadm asks of a node
sysctl -q -w net.bridge.bridge-nf-call-ip6tables=1  # net.bridge.bridge-nf-call-ip6tables = 1, as kubeadm asks of a node

ip -4 -batch - <<'END'
address replace 10.244.1.1/24 dev cbr0  # the bridge of a node's pods has the first address of the node's pod CIDR, shop.json:1
route replace unicast 10.244.2.0/24 via 192.168.50.12 dev eth0  # nodes have a route to the pods of each other node, shop.json:1
END

ip -6 -batch - <<'END'
address replace fd00:244:0:1::1/64 dev cbr0 nodad  # the bridge of a node's pods has the first address of the node's pod CIDR, shop.json:1
route replace unicast fd00:244:0:2::/64 via fd00:50::12 dev eth0 metric 1024  # nodes have a route to the pods of each other node, shop.json:1
END
