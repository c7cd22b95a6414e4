"""The people of the demo class. None of them exists."""

from __future__ import annotations

# Log in as the first. The last ones replace names that are taken.
NAMES = (
    "林晓雨 王子涵 李思远 张雨桐 陈嘉豪 刘梦琪 赵一鸣 周欣怡 吴俊杰 孙婉清"
    " 徐浩然 朱晨曦 马天佑 胡静怡 郭宇航 何诗涵 高子轩 罗雅婷 梁文博 宋佳宁"
    " 唐语嫣 许志远 韩雪 冯一凡 邓子墨 曹思敏 Kevin_Lu alice.chen Tommy2024 沈星河"
    " 袁若曦 蒋明轩 余可欣 潘越 杜清扬 Mia_Zhang 程安然 苏木 石磊2024 夏知秋"
).split()

# The first person's remarks on some of the friends.
REMARKS = "室友小王 思远(班长) 张姐 实验搭档 琪琪 助教 欣怡".split()

NOTES = [
    "我是三班的，想问一下实验分组",
    "昨天一起值日的",
    "老师说我们一组",
    "加一下，方便发实验数据",
    "你好，我是隔壁实验室的",
]
