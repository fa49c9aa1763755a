#!/bin/sh
# node n1, calico
set -e

sysctl -q -w net.ipv4.ip_forward=1  # net.ipv4.ip_forward = 1, as kubeadm asks of a node
sysctl -q -w net.ipv6.conf.all.forwarding=1  # net.ipv6.conf.all.forwarding = 1, as kubeadm asks of a node
sysctl -q -w net.ipv4.conf.default.proxy_arp=1  # the node answers for the gateway of its pods; the interfaces of pods, made later, take this value over

ip -4 -batch - <<'END'
route replace unicast 10.244.2.0/24 via 192.168.50.12 dev eth0  # nodes have a route to the pods of each other node, shop.json:1
END

ip -6 -batch - <<'END'
route replace unicast fd00:244:0:2::/64 via fd00:50::12 dev eth0 metric 1024  # nodes have a route to the pods of each other node, shop.json:1
END
