package eliza

// wishes is about what the user wants and does not want, must, may and cannot.
var wishes = []rule{
	{
		says: []string{"i don't know $", "don't know ?yet/really $", "no idea", "i do not know $", "dunno", "^ not sure"},
		idle: true,
		replies: []string{
			"And if you did know, what would you say?",
			"Then guess. I shall not hold you to it.",
			"What would you have to find out, to know it?",
			"Not knowing can be restful. Is it, for you?",
		},
	},
	{
		says: []string{"i ?really/just don't know ?what/how ?to ?do", "i do not know what to do", "i am ?so/totally/completely/really not sure", "i can't decide", "torn between"},
		replies: []string{
			"If somebody tossed a coin for you, which side would you hope for?",
			"What would you advise a friend in your place?",
			"Which of the possibilities have you already ruled out without saying so?",
			"When do you have to know?",
		},
	},
	{
		says: []string{"i ?really/just/also ?don't/never like/liked/enjoy/love +", "i ?really/just/also hate/hated/dislike/despise/loathe +", "i can't stand/bear/abide +"},
		keep: "you do not care for {1}",
		replies: []string{
			"What is it about {1} that puts you off?",
			"Was that always so?",
			"What would have to change about it?",
			"Does anybody know how much you mind {1}?",
		},
	},
	{
		says: []string{"i ?really/just/still don't/didn't want/wanted to +", "i never want/wanted to +", "i do not want to +"},
		keep: "you do not want to {1}",
		replies: []string{
			"What would happen if you simply did not {1}?",
			"Who wants you to {1}?",
			"What would you rather do than {1}?",
			"Have you ever said so aloud to somebody it concerns?",
		},
	},
	{
		says: []string{"i ?really/just/still/always/also want/wanted/wish/hope to +", "i would ?really/so like/love to +", "i need to +", "i plan to +"},
		keep: "you want to {1}",
		replies: []string{
			"What would change in your life if you could {1}?",
			"What has kept you from it so far?",
			"What is the smallest step towards it that you could take this week?",
			"Who would be pleased if you were to {1}, and who would not?",
			"How would you know that you had managed to {1}?",
		},
	},
	{
		says: []string{"i ?really/just/only/still/also need/want/crave +", "i wish for +", "i would like +", "all i need/want is +"},
		keep: "you want {1}",
		replies: []string{
			"What would it mean to you to have {1}?",
			"Why do you want {1}?",
			"Suppose you had {1} tomorrow. What would you want then?",
			"How did you manage without {1} until now?",
			"Do you want {1}, or what might come with it?",
		},
	},
	{
		says: []string{"i wish ?that +", "if only +"},
		keep: "you wish that {1}",
		replies: []string{
			"Suppose {1}. What would be the first thing you noticed?",
			"How long have you carried that wish?",
			"What would you have to give up for it?",
			"Which part of that lies in your own hands?",
		},
	},
	{
		says: []string{"i hope ?that +"},
		replies: []string{
			"And what will you do if it turns out otherwise?",
			"What makes you hopeful, and what makes you doubt?",
			"Is there something you can do for it?",
		},
	},
	{
		says: []string{"i ?really/just/still can't ?seem ?to +", "i am not able to +", "i am unable to +", "i could never +"},
		keep: "you can't {1}",
		replies: []string{
			"What would it take for you to {1}?",
			"Have you tried to {1}, or were you told that you can't?",
			"What would be different if you could {1}?",
			"Was there ever a day when you could {1}?",
			"Is it that you can't, or that you would rather not?",
		},
	},
	{
		says: []string{"i should/must/ought ?to ?really/just +", "i have to +", "i am supposed to +"},
		keep: "you think you should {1}",
		replies: []string{
			"Who says that you should {1}?",
			"What would happen if you did not {1}?",
			"Suppose there were no should. Would you {1} all the same?",
			"Whose voice is that, when you hear that you should {1}?",
		},
	},
	{
		says: []string{"i shouldn't +", "i should not/never +", "i must not +", "i mustn't +"},
		replies: []string{
			"What is the worst that could come of it?",
			"Who would mind?",
			"And yet you think of it. What is the pull?",
		},
	},
	{
		says: []string{"i am going to +", "i will +", "i have decided to +", "i am about to +"},
		keep: "you are going to {1}",
		replies: []string{
			"How firmly is that settled?",
			"What made you decide?",
			"What do you expect to be different afterwards?",
			"Who knows that you are going to {1}?",
		},
	},
	{
		says: []string{"i ?have tried/try to +", "i am trying to +"},
		replies: []string{
			"What happened when you tried?",
			"What would you do differently the next time?",
			"How many more times will you try?",
		},
	},
}
